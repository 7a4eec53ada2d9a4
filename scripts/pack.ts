import { join, resolve } from 'node:path';
import { packPackage } from './pack-package.ts';

const root = resolve(import.meta.dirname, '..');
process.stdout.write(`${await packPackage(root, join(root, 'build'))}\n`);
