// Tools that work, fail, hang, flood, die and are missing.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { runTool, ToolError } from '../../src/workers/exec.ts';
import { faultOf } from '../support/faults.ts';
import { useToolPath, withFakeTools } from '../support/scratch.ts';

const LIMIT = { timeoutMs: 5_000 };

async function failureOf(action: Promise<unknown>): Promise<ToolError> {
  const outcome = await action.then(
    () => new Error('it did not fail'),
    (error: unknown) => error,
  );
  if (!(outcome instanceof ToolError)) throw outcome;
  return outcome;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test('runTool() answers both outputs, gives the arguments unchanged, a bare environment and no input', async () => {
  await withFakeTools({ cp: 'printf "%s|" "$@"; env | sort >&2; cat' }, async () => {
    const { stdout, stderr } = await runTool('cp', ['a=b', '--', '', '^64bit'], LIMIT);
    assert.is(stdout, 'a=b|--||^64bit|');
    assert.match(stderr, /DM_DISABLE_UDEV=1\nLC_ALL=C\nPATH=/);
    assert.not.match(stderr, /HOME=/);
  });
});

for (const argument of ['a b', 'a;b', '$(id)', 'a\nb', "a'b", 'a\0b', 'é', '~', '*', '"']) {
  test(`runTool() refuses the argument ${JSON.stringify(argument)}`, async () => {
    const error = await runTool('cp', [argument], LIMIT).catch((reason: unknown) => reason);
    assert.match(String(error), /not allowed/);
  });
}

test('runTool() answers exit status and stderr of a tool that fails', async () => {
  await withFakeTools({ cp: 'echo "cp: odd" >&2; exit 3' }, async () => {
    const error = await failureOf(runTool('cp', [], LIMIT));
    assert.is(error.code, 'io');
    assert.is(error.exitCode, 3);
    assert.is(error.stderr, 'cp: odd\n');
    assert.is(error.message, 'Cannot finish cp: exit status 3: cp: odd');
  });
});

test('runTool() tells a full disk and a busy device from other failures', async () => {
  await withFakeTools(
    { cp: 'echo "No space left on device" >&2; exit 1', losetup: 'echo "Device or resource busy" >&2; exit 1' },
    async () => {
      assert.is((await failureOf(runTool('cp', [], LIMIT))).code, 'no-space');
      assert.is((await failureOf(runTool('losetup', [], LIMIT))).code, 'device-busy');
    },
  );
});

test('runTool() names the package of a tool that is missing', async () => {
  await withFakeTools({}, async (dir) => {
    useToolPath(dir);
    const error = await failureOf(runTool('mkfs.xfs', [], LIMIT));
    assert.is(error.code, 'tool-missing');
    assert.match(error.message, /mkfs\.xfs: not installed \(Debian package xfsprogs\)/);
  });
});

test('runTool() says which signal ended a tool', async () => {
  await withFakeTools({ cp: 'kill -SEGV $$' }, async () => {
    const error = await failureOf(runTool('cp', [], LIMIT));
    assert.is(error.code, 'io');
    assert.is(error.exitCode, null);
    assert.match(error.message, /ended by SIGSEGV/);
  });
});

test('runTool() ends a tool that hangs, and what that tool started', async () => {
  await withFakeTools({ cp: 'sleep 600 & echo $! >"$1"; wait' }, async (dir) => {
    const error = await failureOf(runTool('cp', [join(dir, 'pid')], { timeoutMs: 300 }));
    assert.is(error.code, 'timeout');
    assert.match(error.message, /no answer within 300 ms, it was ended/);
    const sleeper = Number(await readFile(join(dir, 'pid'), 'utf8'));
    assert.not(isRunning(await statusOf(sleeper)));
  });
});

test('runTool() kills a tool that ignores SIGTERM', async () => {
  // One that is not killed ends with the test, whose directory goes then.
  await withFakeTools({ cp: 'trap "" TERM; echo $$ >"$1"; while [ -e "$1" ]; do sleep 1; done' }, async (dir) => {
    const error = await failureOf(runTool('cp', [join(dir, 'pid')], { timeoutMs: 300 }));
    assert.match(error.message, /it was ended/);
    assert.not(isAlive(Number(await readFile(join(dir, 'pid'), 'utf8'))));
  });
});

test('runTool() keeps the first 64 KiB of a flood and reads on, so that the tool can end', async () => {
  await withFakeTools({ cp: 'head -c 50000000 /dev/zero; head -c 50000000 /dev/zero >&2' }, async () => {
    const { stdout, stderr } = await runTool('cp', [], { timeoutMs: 30_000 });
    assert.is(stdout.length, 65_536);
    assert.is(stderr.length, 65_536);
  });
});

test('runTool() does not wait for a process that a tool left behind with its pipes', async () => {
  await withFakeTools({ cp: 'echo done; setsid sleep 600 & echo $! >"$1"' }, async (dir) => {
    const { stdout } = await runTool('cp', [join(dir, 'pid')], LIMIT);
    assert.is(stdout, 'done\n');
    process.kill(Number(await readFile(join(dir, 'pid'), 'utf8')), 'SIGKILL');
  });
});

test('runTool() says so when a tool cannot be executed', async () => {
  await withFakeTools({}, async (dir) => {
    await writeFile(join(dir, 'cp'), 'not executable');
    useToolPath(dir);
    const error = await failureOf(runTool('cp', [], LIMIT));
    assert.is(error.code, 'unavailable');
    assert.match(error.message, /EACCES/);
  });
});

/** The State line of /proc/PID/status; a process that is gone has none. */
async function statusOf(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return text.split('\n').find((line) => line.startsWith('State:')) ?? '';
}

/** A zombie waits for its new parent only. */
function isRunning(state: string): boolean {
  return state !== '' && !state.includes('Z');
}

test('runTool() gives the tool its input on stdin', async () => {
  await withFakeTools({ dmsetup: 'cat' }, async () => {
    const { stdout } = await runTool('dmsetup', [], { timeoutMs: 5_000, input: '0 8 zero\n' });
    assert.is(stdout, '0 8 zero\n');
  });
});

test('runTool() is content when a tool does not read its input', async () => {
  await withFakeTools({ dmsetup: 'exec 0<&-; echo done' }, async () => {
    const { stdout } = await runTool('dmsetup', [], { timeoutMs: 5_000, input: 'x'.repeat(1_000_000) });
    assert.is(stdout, 'done\n');
  });
});

test('runTool() answers all of an output that is wanted whole', async () => {
  await withFakeTools({ thin_ls: 'head -c 1000000 /dev/zero' }, async () => {
    const { stdout } = await runTool('thin_ls', [], { timeoutMs: 5_000, wholeMaxBytes: 1_000_000 });
    assert.is(stdout.length, 1_000_000);
  });
});

test('runTool() fails when an output that is wanted whole is longer than its limit', async () => {
  await withFakeTools({ thin_ls: 'head -c 1001 /dev/zero' }, async () => {
    const fault = await faultOf(runTool('thin_ls', [], { timeoutMs: 5_000, wholeMaxBytes: 1_000 }));
    assert.is(fault.code, 'io');
    assert.match(fault.message, /^Cannot read what thin_ls answers: no end within 1000 bytes/);
  });
});

test('runTool() fails when an output that is wanted whole has no end in time', async () => {
  await withFakeTools({ thin_ls: 'echo 1; sleep 2 &' }, async () => {
    const fault = await faultOf(runTool('thin_ls', [], { timeoutMs: 300, wholeMaxBytes: 1_000 }));
    assert.match(fault.message, /^Cannot read what thin_ls answers: no end within 1000 bytes and 300 ms/);
  });
});

test.run();
