// `npm run man`: writes the manual pages into the directory named, dist/man.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { readVersion } from '../version.ts';
import { manPages } from './pages.ts';

const [directory] = process.argv.slice(2);
if (directory === undefined) throw new Error('Cannot write manual pages: no directory is named');
await mkdir(directory, { recursive: true });
for (const { file, text } of manPages(await readVersion())) await writeFile(join(directory, file), text);
