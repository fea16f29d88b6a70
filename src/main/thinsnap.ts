#!/usr/bin/env node
// The command `thinsnap`: sets the exit status and lets the process end by itself, so that all output is written.

import process from 'node:process';
import { runCli } from './cli/run-cli.ts';
import { openWriter } from './cli/writer.ts';

process.exitCode = await runCli(process.argv.slice(2), openWriter(process));
