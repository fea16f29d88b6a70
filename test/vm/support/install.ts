// The two programs by their names, as an installation has them.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** `dir`: on the search path of whoever is to find them. */
export async function installInto(dir: string): Promise<void> {
  for (const name of ['thinsnap', 'thinsnapd']) {
    const program = fileURLToPath(new URL(`../../../src/main/${name}.js`, import.meta.url));
    await writeFile(join(dir, name), `#!/bin/sh\nexec ${process.execPath} ${program} "$@"\n`, { mode: 0o755 });
  }
}
