// The contract of volumes on block files: runs wherever there is root and a loop device.

import { volumesSuite } from './volumes/contract.ts';
import { subjectOpener } from './volumes/subject.ts';

const opener = await subjectOpener({ volumes: 'blockfile', poolName: null, engine: 'auto' });
volumesSuite('blockfile', opener);
