// What can be wrong with a segment's bytes (the sentinels of package segments).

export const enum Fault {
  /** A piece's bytes do not match its leaf. */
  BadPiece = 1,
  /** A piece came before its leaf is known. */
  NoLeaf,
  /** Two sources disagree about size, leaves or bytes. */
  Conflict,
  /** A piece does not begin with the tail that was shown: a Conflict too. */
  Tail,
  /** Above a limit. */
  TooLarge,
  /** A statement or tail signature does not hold, or a claim no honest peer makes. */
  Dishonest,
  /** The origin does not want it shared. */
  Private,
  /** Nobody has it, the origin included. */
  Unavailable,
}

/** An error with a reason that code can tell apart. */
export class SegmentError extends Error {
  constructor(
    readonly fault: Fault,
    message: string,
  ) {
    super(message);
  }
}

export const faultOf = (error: unknown): Fault | 0 => (error instanceof SegmentError ? error.fault : 0);

/** Both kinds of contradiction. */
export const isConflict = (error: unknown): boolean =>
  faultOf(error) === Fault.Conflict || faultOf(error) === Fault.Tail;
