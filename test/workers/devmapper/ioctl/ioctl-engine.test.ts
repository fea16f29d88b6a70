// The engine's own decisions, against a control device that answers from a script. The kernel's are in test/vm.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isFault } from '../../../../src/shared/faults.ts';
import { parseSectors } from '../../../../src/shared/units.ts';
import { IoctlEngine } from '../../../../src/workers/devmapper/ioctl/ioctl-engine.ts';
import { COMMAND, FLAG, HEADER_BYTES, IOCTL_BASE } from '../../../../src/workers/devmapper/ioctl/pack.ts';

type Reply = (buffer: Buffer) => string | null;

/** An engine whose n-th call gets the n-th reply, and the commands that it sent. */
function scripted(...replies: readonly Reply[]): { engine: IoctlEngine; sent: number[]; sizes: number[] } {
  const sent: number[] = [];
  const sizes: number[] = [];
  const engine = new IoctlEngine((request, buffer) => {
    const reply = replies[sent.length] ?? replies.at(-1) ?? ok;
    sent.push(request - IOCTL_BASE);
    sizes.push(buffer.length);
    return reply(buffer);
  });
  return { engine, sent, sizes };
}

function ok(): null {
  return null;
}

function failing(errno: string): Reply {
  return () => errno;
}

function full(buffer: Buffer): null {
  buffer.writeUInt32LE(FLAG.bufferFull, 28);
  return null;
}

const DEVICE = {
  name: 'a',
  uuid: 'thinsnap-a',
  readOnly: false,
  table: { startSectors: parseSectors(0), lengthSectors: parseSectors(8), target: 'thin', parameters: 'p 1' },
};

async function codeOf(action: Promise<unknown>): Promise<string> {
  try {
    await action;
  } catch (error) {
    if (isFault(error, 'io', 'device-missing', 'device-exists', 'thin-id-taken', 'thin-id-missing', 'pool-unsound')) {
      return `${error.code}: ${error.message}`;
    }
    throw error;
  }
  return 'no fault';
}

test('create() makes three calls and no more when all is well', async () => {
  const { engine, sent } = scripted();
  await engine.create(DEVICE);
  assert.equal(sent, [COMMAND.create, COMMAND.load, COMMAND.suspend]);
});

test('create() loads the table read-only when asked', async () => {
  let flags = 0;
  const readFlags: Reply = (buffer) => {
    flags = buffer.readUInt32LE(28);
    return null;
  };
  const { engine } = scripted(ok, readFlags, ok);
  await engine.create({ ...DEVICE, readOnly: true });
  assert.is(flags, FLAG.readOnly);
});

test('create() removes the device when its table does not load', async () => {
  const { engine, sent } = scripted(ok, failing('ENODATA'), ok);
  assert.match(
    await codeOf(engine.create(DEVICE)),
    /^thin-id-missing: Cannot load a table into "a" \(thin p 1\): ENODATA$/,
  );
  assert.equal(sent, [COMMAND.create, COMMAND.load, COMMAND.remove]);
});

test('create() says that the device is left when it cannot be removed', async () => {
  const { engine } = scripted(ok, failing('EINVAL'), failing('EBUSY'));
  assert.match(await codeOf(engine.create(DEVICE)), /^io: .*EINVAL; the device is left: Cannot remove "a": EBUSY$/);
});

test('create() removes nothing when the name is taken', async () => {
  const { engine, sent } = scripted(failing('EBUSY'));
  assert.match(await codeOf(engine.create(DEVICE)), /^device-exists: /);
  assert.equal(sent, [COMMAND.create]);
});

test('suspend() asks again when a signal came between', async () => {
  const { engine, sent } = scripted(failing('EINTR'), failing('EINTR'), ok);
  await engine.suspend('a');
  assert.is(sent.length, 3);
});

test('suspend() gives up when signals never stop', async () => {
  const { engine, sent } = scripted(failing('EINTR'));
  assert.match(await codeOf(engine.suspend('a')), /^io: Cannot suspend "a": EINTR$/);
  assert.is(sent.length, 20);
});

test('status() asks again with a larger buffer when the reply did not fit', async () => {
  const { engine, sizes } = scripted(full, full, ok);
  assert.equal(await engine.status('a', 'noflush'), []);
  assert.equal(sizes, [HEADER_BYTES + 2048, HEADER_BYTES + 8192, HEADER_BYTES + 32_768]);
});

test('status() gives up when no buffer is large enough', async () => {
  const { engine, sizes } = scripted(full);
  assert.match(await codeOf(engine.status('a', 'noflush')), /^io: .*a reply of more than 16777216 bytes$/);
  assert.ok(sizes.length < 10);
});

test('reload() resumes the device when the new table does not fit', async () => {
  const { engine, sent } = scripted(ok, failing('EINVAL'), ok);
  assert.match(await codeOf(engine.reload('a', DEVICE.table)), /^io: Cannot resume "a": EINVAL$/);
  assert.equal(sent, [COMMAND.load, COMMAND.suspend, COMMAND.suspend]);
});

for (const [errno, code] of [
  ['EEXIST', 'thin-id-taken'],
  ['ENODATA', 'thin-id-missing'],
  ['EOPNOTSUPP', 'pool-unsound'],
  ['EIO', 'pool-unsound'],
  ['ENXIO', 'device-missing'],
  ['EINVAL', 'io'],
] as const) {
  test(`message() throws ${code} when the kernel answers ${errno}`, async () => {
    const { engine } = scripted(failing(errno));
    const found = await codeOf(engine.message('p', 'delete 5'));
    assert.is(found, `${code}: Cannot send a message to "p" (delete 5): ${errno}`);
  });
}

test.run();
