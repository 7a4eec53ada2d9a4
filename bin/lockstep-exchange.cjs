#!/usr/bin/env node
'use strict';

const { existsSync } = require('node:fs');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 24 || (major === 24 && minor < 20) || major === 25) {
  process.stderr.write(
    `lockstep-exchange: Node 24.20 or newer is needed, but not 25, this is ${process.versions.node}\n` +
      '  hint: `npm ci` puts Node 24 into node_modules; then start it with `npx lockstep-exchange`\n',
  );
  process.exitCode = 2;
} else {
  const root = join(__dirname, '..');
  // A clone runs its sources; the published package has none, because Node refuses TypeScript under node_modules.
  const command = existsSync(join(root, 'src'))
    ? 'src/market/exchange/command.ts'
    : 'dist/market/exchange/command.js';
  void import(pathToFileURL(join(root, command)).href)
    .then(({ runExchangeCommand }) => runExchangeCommand(process.argv.slice(2)))
    .then((code) => {
      process.exitCode = code;
    });
}
