// What filters cost a List: to parse, and for each snapshot that they are held against.

import { parseFilters } from '../../src/main/snapshots/filter/filter.ts';
import { nodeRecords } from '../node-records.ts';
import { runBench } from './run-bench.ts';

const SNAPSHOTS = 1_000;

const subjects = [...nodeRecords(SNAPSHOTS)].map(({ snapshot }) => ({ ...snapshot, name: snapshot.key }));
const equal = ['kind==committed,labels."containerd.io/snapshot.ref"==none'];
const expression = ['labels."containerd.io/snapshot/cri.image-ref"~="^registry.example.com/team-1./"'];
const alternatives = subjects.slice(0, 100).map(({ key }) => `name=="${key}"`);

function matching(filters: readonly string[]): () => number {
  const matches = parseFilters(filters);
  return () => subjects.filter((subject) => matches(subject)).length;
}

await runBench({
  'parseFilters, two conditions': () => parseFilters(equal),
  'parseFilters, a regular expression': () => parseFilters(expression),
  'parseFilters, 100 names': () => parseFilters(alternatives),
  [`match ${SNAPSHOTS} snapshots, no filter`]: matching([]),
  [`match ${SNAPSHOTS} snapshots, two conditions`]: matching(equal),
  [`match ${SNAPSHOTS} snapshots, a regular expression`]: matching(expression),
  [`match ${SNAPSHOTS} snapshots, 100 names`]: matching(alternatives),
});
