// What a peer may use as a key (swarm/PROTOCOL.md §1, segments/key.go). Keys are made by
// adapters/key.ts: to a peer they mean nothing.

export const MaxKeyLength = 512;

/** 1…512 bytes of 21…7e, with a track before the last "/". */
export const validKey = (key: string): boolean => key.length <= MaxKeyLength && /^[!-~]+\/[!-~]*$/.test(key);
