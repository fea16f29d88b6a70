// Lets the file system of an active device that nobody has mounted yet fill it.

import type { TaskArgs } from '../../shared/tasks.ts';
import { nodePath } from '../devmapper/node.ts';
import { growFileSystem } from '../filesystem/grow.ts';

export async function growThin({ name, fsType }: TaskArgs<'growThin'>): Promise<void> {
  await growFileSystem(nodePath(name), fsType);
}
