// Which tasks of one lane do not come back. A thread that hangs in a system call can be neither ended nor used, so all that
// can be done is to tell, and to have another thread in its place.

import type { TaskLane } from '../shared/task-lanes.ts';
import type { TaskName } from '../shared/tasks.ts';

/** Longer than a task takes that goes well, and than all limits of its tools: what is still out then hangs. */
export const HUNG_AFTER_MS: Readonly<Record<TaskLane, number>> = { fast: 130_000, slow: 1_500_000, delete: 600_000 };

export interface HungTask {
  readonly task: TaskName;
  /** What it works on: the name of a device, or a path. */
  readonly subject: string;
  readonly lane: TaskLane;
  readonly sinceMs: number;
}

export interface Watched {
  readonly task: TaskName;
  readonly args: object;
  timer: NodeJS.Timeout | null;
  beganMs: number;
}

export interface WatchOptions {
  readonly lane: TaskLane;
  readonly afterMs: number;
  /** Tasks that run at a time; later ones wait, and that is no hanging. */
  readonly threads: () => number;
  readonly onHung: (hung: HungTask) => void;
}

export class TaskWatch {
  readonly #options: WatchOptions;
  readonly #waiting: Watched[] = [];
  readonly #hung = new Set<Watched>();
  #running = 0;

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  get hung(): readonly HungTask[] {
    return [...this.#hung].map((watched) => this.#toHung(watched));
  }

  /** Threads take tasks in the order in which they came. */
  add(task: TaskName, args: object): Watched {
    const watched: Watched = { task, args, timer: null, beganMs: 0 };
    if (this.#running < this.#options.threads()) this.#begin(watched);
    else this.#waiting.push(watched);
    return watched;
  }

  end(watched: Watched): void {
    this.#hung.delete(watched);
    if (watched.timer === null) {
      const index = this.#waiting.indexOf(watched);
      if (index >= 0) this.#waiting.splice(index, 1);
      return;
    }
    clearTimeout(watched.timer);
    this.#running -= 1;
    this.#beginNext();
  }

  #beginNext(): void {
    if (this.#running >= this.#options.threads()) return;
    const next = this.#waiting.shift();
    if (next !== undefined) this.#begin(next);
  }

  #begin(watched: Watched): void {
    this.#running += 1;
    watched.beganMs = performance.now();
    watched.timer = setTimeout(() => {
      this.#hung.add(watched);
      this.#options.onHung(this.#toHung(watched));
      this.#beginNext();
    }, this.#options.afterMs);
    watched.timer.unref();
  }

  #toHung({ task, args, beganMs }: Watched): HungTask {
    return { task, subject: subjectOf(args), lane: this.#options.lane, sinceMs: performance.now() - beganMs };
  }
}

/** The words under which the tasks have it, the most telling first. */
const SUBJECTS = ['name', 'path', 'to', 'lockPath', 'pool'];

function subjectOf(args: object): string {
  const values = new Map<string, unknown>(Object.entries(args));
  const activation = values.get('activation');
  if (typeof activation === 'object' && activation !== null) return subjectOf(activation);
  const found = SUBJECTS.map((word) => values.get(word)).find((value) => typeof value === 'string');
  return typeof found === 'string' ? found : '';
}
