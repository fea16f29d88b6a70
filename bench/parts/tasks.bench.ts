// What it costs to have a worker do something: a task that is little more than one stat(2), there and back.

import { fileURLToPath } from 'node:url';
import { HUNG_AFTER_MS } from '../../src/main/hung-tasks.ts';
import { TaskPool } from '../../src/main/task-pool.ts';
import { runBench } from './run-bench.ts';

const TASKS = 64;
const THIS_FILE = fileURLToPath(import.meta.url);

const pool = await TaskPool.open({
  engine: 'auto',
  workers: 4,
  childLock: null,
  hungAfterMs: HUNG_AFTER_MS,
  onHung: () => undefined,
  onWorkerError: (error) => process.stderr.write(`${error.message}\n`),
});
const ask = (): Promise<unknown> => pool.run('fileAllocated', { path: THIS_FILE });
try {
  // Every thread is there before anything is measured.
  await Promise.all(Array.from({ length: TASKS }, ask));
  await runBench({
    'one task': ask,
    [`${TASKS} tasks, 4 threads`]: () => Promise.all(Array.from({ length: TASKS }, ask)),
  });
} finally {
  await pool.close();
}
