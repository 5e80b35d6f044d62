/** What a manifest says may surprise us; it is then played plainly. */
export function safely<T>(f: () => T): T | undefined {
  try {
    return f();
  } catch {
    return undefined;
  }
}
