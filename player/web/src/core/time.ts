// Time as the Go core counts it: whole nanoseconds, in a number. A number holds
// 2^53 of them exactly, 104 days from the epoch that the edge chooses (the page's
// start will do), so a replay gives the very same moments as Go.

/** A moment on the swarm's clock, in whole nanoseconds from the edge's epoch. */
export type Time = number;

/** A length of time, in whole nanoseconds. */
export type Duration = number;

export const microsecond = 1e3;
export const millisecond = 1e6;
export const second = 1e9;

/** Seconds of a duration, rounded exactly as Go's Duration.Seconds does. */
export const seconds = (d: Duration): number => Math.trunc(d / second) + (d % second) / second;
