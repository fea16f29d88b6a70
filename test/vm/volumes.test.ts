// The contract of volumes on a real thin pool, with each engine.
// vm: plain pool THINSNAP_TEST_ENGINE=ioctl|dmsetup

import { ENGINE_KINDS } from '../../src/shared/tasks.ts';
import { volumesSuite } from '../e2e/volumes/contract.ts';
import { subjectOpener } from '../e2e/volumes/subject.ts';

const { THINSNAP_TEST_POOL: poolName = '', THINSNAP_TEST_ENGINE: wanted = '' } = process.env;
const engine = ENGINE_KINDS.find((kind) => kind === wanted);
if (engine === undefined) throw new Error(`There is no engine "${wanted}"`);

const opener = await subjectOpener({ volumes: 'thin-pool', poolName, engine });
volumesSuite(`thin pool, ${engine}`, opener);
