// Measures the parts one file after the other, each in a process of its own, so that none runs on what another has heated.
//
//   npm run bench:parts -- [NAME ...]        NAME: catalog, filters, messages, lanes, tasks, ioctls; all unless given

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const PARTS = ['catalog', 'filters', 'messages', 'lanes', 'tasks', 'ioctls'];

const given = process.argv.slice(2);
for (const part of given.length > 0 ? given : PARTS) {
  process.stdout.write(`${part}\n`);
  const file = fileURLToPath(new URL(`${part}.bench.js`, import.meta.url));
  const [status] = await once(spawn(process.execPath, [file], { stdio: 'inherit' }), 'exit');
  if (status !== 0) throw new Error(`Cannot measure ${part}: it ended with ${String(status)}`);
}
