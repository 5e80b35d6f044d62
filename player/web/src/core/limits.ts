// Every table a peer can grow from outside has a cap (swarm/limits.go).

/** Length in bytes of every piece but a segment's last. */
export const PieceSize = 16384;

/** Keys one neighbour may have reserved here at a time. */
export const MaxReservations = 512;
/** Keys remembered as held by one neighbour. */
export const MaxHaves = 8192;
/** Keys in one Run of a Have. */
export const MaxRun = 1024;
/** Sources remembered for one key. */
export const MaxOffers = 64;
/** Transfers to one neighbour at a time. */
export const MaxOutbound = 64;
/** Tracks one neighbour may subscribe to. */
export const MaxSubscribed = 32;
/** Banned peers remembered, oldest forgotten first. */
export const MaxBanned = 1024;
/** Introduced peers remembered. */
export const MaxCandidates = 256;
/** Neighbours of one neighbour, from its Peers. */
export const MaxNeighbours = 64;
/** Longest chain from the origin that is accepted. */
export const MaxHops = 32;
/** Pieces of a segment: 64 MiB. */
export const MaxPieces = 4096;
/** Tracks whose parents are remembered. */
export const MaxTracks = 4096;
/** Tracks a neighbour's interest is remembered in. */
export const MaxInterests = 64;

/** How long after its due time a reservation is kept: 10 s. */
export const ReservationLife = 10e9;

// What one neighbour can make this peer relay, in Forwards: an attempt is one description
// of a few KiB and up to 20 candidates. See allowance.ts.
export const forwardBurst = 64;
export const forwardsPerSecond = 20;
// What all of them together can.
export const relayBurst = 256;
export const relaysPerSecond = 80;
// How many Peers messages of one neighbour are read.
export const listBurst = 64;
export const listsPerSecond = 4;

/** Pieces of a segment of size bytes, 0 for an empty or unknown size. */
export const pieceCount = (size: number): number => (size <= 0 ? 0 : Math.ceil(size / PieceSize));

/** Adds to a set that forgets its oldest members past a cap. */
export function remember<T>(set: Set<T>, v: T, cap: number): void {
  if (set.size >= cap && !set.has(v)) set.delete(set.values().next().value as T);
  set.add(v);
}

/** Takes the first v out of a list, in place. */
export function remove<T>(list: T[], v: T): void {
  const i = list.indexOf(v);
  if (i >= 0) list.splice(i, 1);
}

/** Order of two strings or numbers, as sort wants it. Keys are ASCII, so it is Go's order of bytes. */
export const compare = <T extends string | number | bigint>(a: T, b: T): number => (a < b ? -1 : +(a > b));
