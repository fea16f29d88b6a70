// What it costs to pack device-mapper's requests and to read its replies, without the kernel in between.

import { parseSectors } from '../../src/shared/units.ts';
import { packMessage, packRequest, packTable } from '../../src/workers/devmapper/ioctl/pack.ts';
import { unpackInfo, unpackTargets } from '../../src/workers/devmapper/ioctl/unpack.ts';
import { runBench } from './run-bench.ts';

const REPLY_BYTES = 2048;

const header = { name: 'pool-thinsnap-1234', uuid: '', flags: 0 };
const line = {
  startSectors: parseSectors(0),
  lengthSectors: parseSectors(20_971_520),
  target: 'thin',
  parameters: '/dev/mapper/pool 1234',
};
// A reply to a status request is laid out as a table is.
const reply = packTable(header, line);

await runBench({
  'packRequest, no payload': () => packRequest(header),
  'packRequest, room for a reply': () => packRequest(header, REPLY_BYTES),
  'packTable, one thin device': () => packTable(header, line),
  'packMessage, create_snap': () => packMessage(header, 'create_snap 1234 1233'),
  unpackInfo: () => unpackInfo(reply),
  'unpackTargets, one': () => unpackTargets(reply),
});
