// Round numbers for axes, and times and durations in words.
import { clock } from "../../lib/dom.js";

const MINUTE = 60_000;
const CLOCK_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 240, 360, 720];
const LONG = [10_000, 20_000, 60_000, 120_000, 240_000, 600_000, 1_200_000, 3_600_000, 7_200_000, 14_400_000, 36_000_000, 86_400_000];

/** The round count that an axis ends at. */
export function countTop(most) {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, most)));
  const steps = power > 1 ? [1, 1.2, 1.6, 2, 3, 4, 6, 8, 10] : [1, 2, 4, 6, 8, 10];
  return steps.map((step) => Math.round(step * power)).find((top) => top >= most) ?? most;
}

/** The round duration, in milliseconds, that an axis ends at. */
export function durationTop(most) {
  if (most > 4000) {
    return LONG.find((top) => top >= most) ?? most;
  }
  return countTop(Math.max(1, most));
}

/** The moments of round clock time in between, with room for `most` labels. */
export function clockTicks(from, until, most) {
  const span = (until - from) / MINUTE;
  const step = (CLOCK_STEPS.find((minutes) => span / minutes <= most) ?? 1440) * MINUTE;
  const zone = from.getTimezoneOffset() * MINUTE;
  const first = Math.ceil((from - zone) / step) * step + zone;
  const ticks = [];
  for (let at = first; at <= until; at += step) {
    ticks.push(new Date(at));
  }
  return ticks;
}

/** What a slot covers: "14:03", or "14:00 to 14:05". */
export function between({ at, until }) {
  return until - at <= MINUTE ? clock(at) : `${clock(at)} to ${clock(until)}`;
}
