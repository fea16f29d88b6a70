// Tools that run on when their daemon is killed: the next one is not to serve while they are at work.

import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Mount } from '../../src/main/rpc/gen/containerd/types/mount_pb.ts';
import { type ConfigTable, type Daemon, startDaemon } from './daemon.ts';
import { codeOf } from './grpc-client.ts';
import { withMounted } from './mounting.ts';
import { isAtWork } from './process-facts.ts';
import { asRootWith } from './requirements.ts';
import type { SnapshotsClient } from './snapshots-client.ts';
import { until } from './until.ts';

/** Much longer than a start: whoever is still there then was not ended. */
const AT_WORK_SECONDS = 300;
const LIMIT_MS = 120_000;
const SEARCH_PATH = '/usr/sbin:/usr/bin:/sbin:/bin';
export const LAYER = 'layer';

/** `all`: each tool both ways. */
const { THINSNAP_ORPHANS: wanted = '' } = process.env;

/** A call on the way of which a tool runs with that word among its arguments. */
export interface Use {
  readonly tool: string;
  readonly word: string;
  readonly call: (client: SnapshotsClient, key: string) => Promise<readonly Mount[]>;
}

export interface OrphanGround {
  readonly config: ConfigTable;
  readonly uses: readonly Use[];
  /** After each daemon, whatever it left. */
  readonly tidy: () => Promise<void>;
}

export function orphanSuite({ config, uses, tidy }: OrphanGround): void {
  const asRoot = asRootWith(test, 'losetup', 'flock');
  for (const [index, use] of uses.entries()) {
    // With its tools it leaves nothing, whichever they are: once will do where time is short.
    const ways = wanted === 'all' || index === 0 ? (['alone', 'with its tools'] as const) : (['alone'] as const);
    for (const killed of ways) {
      asRoot(`a daemon killed ${killed} while ${use.tool} ${use.word} runs is followed by one that meets none`, () =>
        withTools([use.tool], async (dir, env) => {
          const daemon = await startDaemon({ config, env });
          try {
            await furnish(daemon);
            await outlive(daemon, { use, dir, killed });
            await daemon.stop();
          } finally {
            await daemon.remove();
            await tidy();
          }
        }),
      );
    }
  }
  test.run();
}

async function furnish({ client }: Daemon): Promise<void> {
  await client.prepare('below', '');
  await client.commit(LAYER, 'below');
}

interface Trial {
  readonly use: Use;
  readonly dir: string;
  readonly killed: 'alone' | 'with its tools';
}

async function outlive(daemon: Daemon, { use, dir, killed }: Trial): Promise<void> {
  await writeFile(join(dir, `slow-${use.tool}`), use.word);
  const lost = codeOf(use.call(daemon.client, 'key'));
  const begun = async (): Promise<number | null> =>
    Number(await readFile(join(dir, 'begun'), 'utf8').catch(() => '')) || null;
  const pid = await until(LIMIT_MS, begun, () => `${use.tool} was not run`);
  process.kill(daemon.pid, 'SIGKILL');
  // Each tool leads a group of its own.
  if (killed === 'with its tools') process.kill(-pid, 'SIGKILL');
  await lost;
  await daemon.kill();
  await rm(join(dir, `slow-${use.tool}`));
  await daemon.start();
  assert.not(await isAtWork(pid), `${use.tool} is at work beside the new daemon`);
  assert.is(/were still at work: ended/.test(daemon.log), killed === 'alone');
  const found = (await daemon.client.list()).map(({ name }) => name);
  assert.equal(found, [LAYER]);
  await withMounted(daemon.root, await use.call(daemon.client, 'key'), async () => undefined);
  for (const { name } of await daemon.client.list()) if (name !== LAYER) await daemon.client.remove(name);
  await daemon.client.remove(LAYER);
  await daemon.client.cleanup();
}

/** Tools that take their time while they are told to, and then do what the real ones do. */
async function withTools(
  tools: readonly string[],
  action: (dir: string, env: Readonly<Record<string, string>>) => Promise<void>,
): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'thinsnap-test-'));
  try {
    await mkdir(join(dir, 'tools'));
    for (const tool of tools) {
      const path = join(dir, 'tools', tool);
      await writeFile(
        path,
        `#!/bin/sh
PATH=${SEARCH_PATH}
if [ -e ${dir}/slow-${tool} ]; then
  case "$*" in *"$(cat ${dir}/slow-${tool})"*) echo $$ >${dir}/begun; sleep ${AT_WORK_SECONDS} ;; esac
fi
exec ${tool} "$@"
`,
      );
      await chmod(path, 0o755);
    }
    await action(dir, { THINSNAP_TOOL_PATH: `${join(dir, 'tools')}:${SEARCH_PATH}` });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
