import { join, resolve } from 'node:path';
import { buildDist } from './build-dist.ts';

const root = resolve(import.meta.dirname, '..');
await buildDist(root, join(root, 'dist'));
