import { enableCompileCache } from 'node:module';

// What follows is loaded from the cache.
enableCompileCache();
const { serve } = await import('./launcher-server.ts');
serve(() => process.exit());
