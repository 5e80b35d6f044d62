// Numbers as people read them. Units are SI: 1 kB is 1000 bytes.

const byteUnits = ["B", "kB", "MB", "GB", "TB", "PB"];

/** A byte count with three significant digits: "0 B", "12.3 MB". */
export function bytes(count: number): string {
  let value = Math.max(0, count);
  let unit = 0;
  // 999.5 and more would round to "1000" of the smaller unit.
  while (value >= 999.5 && unit < byteUnits.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${byteUnits[unit]}`;
}

/** A share from 0 to 1 as "87.5 %"; a dash where there is none. */
export function percent(share: number): string {
  return Number.isFinite(share) ? `${(share * 100).toFixed(1)} %` : "–";
}

/** Milliseconds as "84 ms" or, from one second on, "2.35 s". */
export function milliseconds(ms: number): string {
  return ms < 999.5 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

/** Seconds as "0:07", "12:34" or "1:02:03". */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (n: number) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}
