// Where the package is: its package.json and its proto/ are used as they are. This file stays in src/main/, since the build makes
// one file of each program there, and what is next to this one is next to that.

import { fileURLToPath } from 'node:url';

export const PACKAGE_ROOT = fileURLToPath(new URL('../../../', import.meta.url));
