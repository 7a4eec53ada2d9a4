#!/usr/bin/env node
'use strict';
const [major, minor] = process.versions.node.split('.').map(Number);
// What a hermetic stage is refused, and its code swallows, Node tells from there on; 25 never did.
if (major < 24 || (major === 24 && minor < 20) || major === 25) {
  process.stderr.write(
    `error[node.version]: lockstep needs Node 24.20 or newer, but not 25, this is ${process.versions.node} (${process.execPath})\n` +
      '   = hint: in a clone, "npm ci" brings Node 24 and "npx lockstep" uses it; elsewhere install Node 24\n',
  );
  process.exitCode = 2;
} else if (/\.zip[/\\]/.test(__dirname)) {
  // Yarn teaches one process to read there; those of stages are plain Nodes.
  process.stderr.write(
    "error[node.pnp]: lockstep lies in an archive of Yarn's Plug'n'Play, from which no stage can be started\n" +
      '   = hint: write "nodeLinker: node-modules" into .yarnrc.yml, then "yarn install"\n',
  );
  process.exitCode = 2;
} else {
  const { existsSync } = require('node:fs');
  const { join } = require('node:path');
  const { enableCompileCache } = require('node:module');
  const source = join(__dirname, '..', 'src', 'cli.ts');
  enableCompileCache();
  const { runCommandLine } = require(existsSync(source) ? source : join(__dirname, '..', 'dist', 'cli.js'));
  void runCommandLine();
}
