// Which engine this machine gets: straight to the kernel where that works, the dmsetup command where it does not. A
// choice that the user made is kept or refused, never replaced.

import { FaultError, toFault } from '../../shared/faults.ts';
import type { EngineChoice, EngineReport } from '../../shared/tasks.ts';
import { DmsetupEngine } from './dmsetup.ts';
import type { Engine } from './engine.ts';
import { openControl } from './ioctl/control.ts';
import { IoctlEngine } from './ioctl/ioctl-engine.ts';

export interface ChosenEngine {
  readonly engine: Engine;
  readonly report: EngineReport;
}

/** Fault `unsupported` when what was chosen, or anything at all, cannot reach the kernel's device-mapper. */
export async function chooseEngine(choice: EngineChoice): Promise<ChosenEngine> {
  switch (choice) {
    case 'ioctl':
      return openIoctl('chosen by the configuration');
    case 'dmsetup':
      return openDmsetup('chosen by the configuration');
    case 'auto':
      return chooseItself();
  }
}

async function chooseItself(): Promise<ChosenEngine> {
  try {
    return await openIoctl('the kernel answers its ioctls');
  } catch (ioctlError) {
    const reason = toFault(ioctlError).message;
    try {
      return await openDmsetup(reason);
    } catch (dmsetupError) {
      // dmsetup says the same at length, where it is there at all.
      throw new FaultError('unsupported', `${reason}, and dmsetup cannot reach it either`, { cause: dmsetupError });
    }
  }
}

async function openIoctl(reason: string): Promise<ChosenEngine> {
  const control = await openControl();
  try {
    return await report(new IoctlEngine(control.call), reason);
  } catch (error) {
    control.close();
    throw error;
  }
}

function openDmsetup(reason: string): Promise<ChosenEngine> {
  return report(new DmsetupEngine(), reason);
}

async function report(engine: Engine, reason: string): Promise<ChosenEngine> {
  try {
    const driverVersion = await engine.driverVersion();
    return { engine, report: { kind: engine.kind, reason, driverVersion } };
  } catch (error) {
    const found = toFault(error).message;
    throw new FaultError('unsupported', `Cannot use device-mapper through ${engine.kind}: ${found}`, { cause: error });
  }
}
