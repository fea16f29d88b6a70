// When a pool is extended by itself, and by how much: as a setting of the daemon's, and in the description of a pool.

/** At `thresholdPercent` of use, by `percent` of its size. 100: never. */
export interface Autoextend {
  readonly thresholdPercent: number;
  readonly percent: number;
}

/** As LVM has it (lvm.conf): with less, what is extended is not used. */
export const THRESHOLD_PERCENT_MIN = 50;
export const THRESHOLD_PERCENT_MAX = 100;
export const AUTOEXTEND_PERCENT_MAX = 1000;
/** As LVM's own defaults, and Docker's. */
export const AUTOEXTEND_DEFAULT: Autoextend = { thresholdPercent: 80, percent: 20 };
