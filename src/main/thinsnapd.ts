#!/usr/bin/env node
// thinsnapd: reads the configuration, starts the daemon, says what it chose, and stops on SIGTERM or SIGINT.

import { writeFile } from 'node:fs/promises';
import { setFlagsFromString } from 'node:v8';
import { pino } from 'pino';
import { armFailpoints, failpointSetup } from '../shared/failpoints.ts';
import { toFault } from '../shared/faults.ts';
import { boundYoungGeneration } from '../shared/young-generation.ts';
import { readVersion } from './cli/version.ts';
import type { Config } from './config/config.ts';
import { daemonHelp, parseDaemonFlags, USAGE_EXIT_STATUS } from './config/flags.ts';
import { loadConfig } from './config/load-config.ts';
import { type Daemon, startDaemon } from './daemon.ts';
import { boundOldGeneration } from './old-generation.ts';
import { announceServing } from './service-manager.ts';

/** A stop that takes longer than the calls in flight may, and the workers after them, is no stop. */
const STOP_LIMIT_MS = 60_000;

async function main(): Promise<number> {
  const command = parseDaemonFlags(process.argv.slice(2));
  switch (command.kind) {
    case 'help':
      return say(daemonHelp);
    case 'version':
      return say(`thinsnapd ${await readVersion()}\n`);
    case 'refused':
      process.stderr.write(`${command.message}\n`);
      return USAGE_EXIT_STATUS;
    case 'run': {
      const { THINSNAP_FAILPOINTS: failpoints } = process.env;
      if (failpoints !== undefined) armFailpoints(failpoints);
      return run((await loadConfig(command.sources)).config);
    }
  }
}

/**
 * Leaves the contents of memory out of a core dump, of this process and of the tools that it runs: what clients wrote may be in
 * there, and so may the blocks of a file system (core(5)).
 */
async function hideFromCoreDumps(): Promise<void> {
  // A kernel that writes no core dumps has no such file.
  await writeFile('/proc/self/coredump_filter', '0').catch(() => undefined);
}

/** Serves until a signal comes; answers the exit status. */
async function run(config: Config): Promise<number> {
  await hideFromCoreDumps();
  // A person at a terminal reads lines, everything else reads JSON.
  const log = process.stderr.isTTY
    ? pino({ level: config.logLevel }, (await import('pino-pretty')).default({ destination: 2, sync: true }))
    : pino({ level: config.logLevel }, pino.destination({ dest: 2, sync: true }));
  if (failpointSetup() !== null) log.warn('THINSNAP_FAILPOINTS is set: things fail on purpose');
  let stop: (status: number) => void = () => undefined;
  const stopped = new Promise<number>((resolve) => {
    stop = resolve;
  });
  const givenUp = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      log.info({ signal }, 'stopping');
      stop(0);
      givenUp.abort();
    });
  }
  const daemon = await startDaemon({ config, log, signal: givenUp.signal, onBug: () => stop(1) });
  say(banner(config, daemon));
  log.info({ address: config.address, volumes: daemon.description, version: await readVersion() }, 'serving');
  await announceServing(process.env).catch((error: unknown) => {
    log.warn(toFault(error).message);
  });
  boundOldGeneration();
  const status = await stopped;
  setTimeout(() => process.exit(1), STOP_LIMIT_MS).unref();
  await daemon.stop();
  log.info('stopped');
  return status;
}

function banner(config: Config, daemon: Daemon): string {
  return `thinsnapd serves ${config.address}
  on ${daemon.description}

For containerd's config.toml:
  [proxy_plugins.thinsnap]
    type = "snapshot"
    address = "${config.address}"

For containerd 2.x also:
  [[plugins."io.containerd.transfer.v1.local".unpack_config]]
    platform = "linux/${process.arch === 'x64' ? 'amd64' : process.arch}"
    snapshotter = "thinsnap"

Ctrl-C stops it; snapshots and running containers stay.
`;
}

function say(text: string): number {
  process.stdout.write(text);
  return 0;
}

boundYoungGeneration();
// The same few functions serve every call, so V8 need not wait as long as it does (67584) before it compiles them well: bursts
// after a start are at speed in half as many calls, and cost 20 to 30 % less until then (measured with bench/vm).
setFlagsFromString('--interrupt-budget=15000');
try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`thinsnapd: ${toFault(error).message}\n`);
  // What could not be closed must not keep it alive.
  process.exit(1);
}
