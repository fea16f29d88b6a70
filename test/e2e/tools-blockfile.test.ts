// Tools that misbehave: hang, spin, flood, die, or do nothing and say that all is well. Their call has an answer, others are
// not held up, and the same call goes well once the tool does. THINSNAP_HOSTILE_SECONDS=150 waits for the ends of hung ones.

import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Mount } from '../../src/main/rpc/gen/containerd/types/mount_pb.ts';
import { startDaemon } from '../support/daemon.ts';
import { codeOf } from '../support/grpc-client.ts';
import { until } from '../support/until.ts';
import { ATTACK_MS, withstand } from './hostile/calm.ts';
import { type Stage, stageSuite } from './stage.ts';

const MAX_SIZE_LABEL = 'containerd.io/snapshot/max-size';
const FS_TYPE_LABEL = 'containerd.io/snapshot/devmapper/fstype';
/** What mkfs and a call may take, and what ending a tool takes after that. */
const TOOL_LIMIT_MS = 130_000;
const LIMIT_MS = 30_000;

const root = await mkdtemp(join(tmpdir(), 'thinsnap-test-'));
const tools = join(root, 'tools');
await mkdir(tools);

interface Origin {
  readonly parent: string;
  /** Another one for each test. */
  readonly sizeBytes: number;
}

/** A call that runs that tool, and what it answers when the tool did nothing and ended well: not every tool must have worked. */
interface Use {
  readonly tool: string;
  readonly call: (stage: Stage, key: string, of: Origin) => Promise<readonly Mount[]>;
  readonly idle: RegExp;
}

const FAULT = /^(INTERNAL|UNAVAILABLE|DEADLINE_EXCEEDED)$/;
const USES: readonly Use[] = [
  {
    tool: 'mkfs.ext4',
    // mkfs runs once for each size.
    call: ({ client }, key, { sizeBytes }) => client.prepare(key, '', { [MAX_SIZE_LABEL]: String(sizeBytes) }),
    idle: FAULT,
  },
  { tool: 'cp', call: ({ client }, key, { parent }) => client.prepare(key, parent), idle: FAULT },
  {
    tool: 'resize2fs',
    call: ({ client }, key, { parent }) => client.prepare(key, parent, { [MAX_SIZE_LABEL]: String(2 ** 28) }),
    idle: /^OK$/,
  },
  {
    tool: 'losetup',
    call: async ({ client }, key, { parent }) => {
      if ((await codeOf(client.stat(key))) === 'NOT_FOUND') await client.prepare(key, parent);
      await client.commit(`name ${key}`, key);
      return client.view(key, `name ${key}`);
    },
    idle: /^OK$/,
  },
];

const FAILURES: Readonly<Record<string, string>> = {
  'dies by a signal': 'kill -9 $$',
  'floods its output with 1 GB and fails': 'head -c 1000000000 /dev/zero; head -c 1000000000 /dev/zero >&2; exit 1',
  'fails without a word': 'exit 3',
};

const HANGS = [
  { what: 'sleeps', script: 'exec sleep 1000', sizeBytes: 2 ** 26 },
  { what: 'spins', script: 'while :; do :; done', sizeBytes: 2 ** 28 },
] as const;

/** Runs `action` with a script in the place of the tool. */
async function withTool(name: string, script: string, action: () => Promise<void>): Promise<void> {
  const path = join(tools, name);
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  try {
    await action();
  } finally {
    await rm(path);
  }
}

function failing(stage: Stage): void {
  for (const { tool, call, idle } of USES) {
    const scripts = { ...FAILURES, 'does nothing and ends well': 'exit 0' };
    for (const [index, [what, script]] of Object.entries(scripts).entries()) {
      stage.test(`a call has an answer, and goes well later, when ${tool} ${what}`, async () => {
        const of: Origin = { parent: await stage.layer(), sizeBytes: 2 ** (26 + index) };
        const key = stage.key();
        await withTool(tool, script, () =>
          withstand(stage, async () => {
            assert.match(await codeOf(call(stage, key, of)), script === 'exit 0' ? idle : FAULT);
          }),
        );
        if ((await codeOf(stage.client.stat(key))) === 'OK') await stage.client.remove(key);
        const again = stage.key();
        await stage.mounted(await call(stage, again, of), async (dir) => {
          assert.equal(await readdir(dir), []);
        });
      });
    }
  }
}

function hanging(stage: Stage): void {
  for (const { what, script, sizeBytes } of HANGS) {
    const pidFile = join(root, `pid-${what}`);
    const hung = `trap '' TERM; echo $$ > ${pidFile}.new; mv ${pidFile}.new ${pidFile}; ${script}`;
    // Of a size that no other test asks for: mkfs runs once for each.
    const wish = (size: number) => ({ [FS_TYPE_LABEL]: 'ext2', [MAX_SIZE_LABEL]: String(size) });

    stage.test(`others are not held up when mkfs ${what}, and nothing is left after a kill and a start`, async () => {
      const parent = await stage.layer();
      await withTool('mkfs.ext2', hung, async () => {
        const end = codeOf(stage.client.prepare(stage.key(), '', wish(sizeBytes)));
        const pid = await until(
          LIMIT_MS,
          async () => pidIn(pidFile),
          () => 'the fake tool was not run',
        );
        const keys = Array.from({ length: 16 }, () => stage.key());
        await Promise.all(keys.map((key) => stage.client.prepare(key, parent)));
        await Promise.all(keys.map((key) => stage.client.remove(key)));
        await stage.daemon.kill();
        process.kill(pid, 'SIGKILL');
        assert.match(await end, /^(UNAVAILABLE|CANCELLED|INTERNAL)$/);
        await stage.daemon.start();
      });
      await stage.client.cleanup();
      const left = await readdir(join(stage.daemon.root, 'state', 'volumes'));
      assert.not.ok(left.some((file) => file.endsWith('.partial')));
      await stage.client.prepare(stage.key(), '', wish(sizeBytes));
    });

    if (ATTACK_MS < TOOL_LIMIT_MS) continue;
    stage.test(`a Prepare is answered within its limit when mkfs ${what}, and goes well later`, async () => {
      await withTool('mkfs.ext2', hung, async () => {
        assert.is(await codeOf(stage.client.prepare(stage.key(), '', wish(2 * sizeBytes))), 'DEADLINE_EXCEEDED');
      });
      await stage.client.prepare(stage.key(), '', wish(2 * sizeBytes));
    });
  }

  stage.test('the fake tools are gone', async () => {
    await rm(root, { recursive: true });
  });
}

async function pidIn(file: string): Promise<number | null> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text === '' ? null : Number(text);
}

stageSuite(
  'tools that misbehave, blockfile',
  () =>
    startDaemon({
      config: { volumes: 'blockfile', base_image_size: '32MB', min_free_space: '1%' },
      env: { THINSNAP_TOOL_PATH: `${tools}:/usr/sbin:/usr/bin:/sbin:/bin` },
    }),
  [failing, hanging],
);
