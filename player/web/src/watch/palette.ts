// A colour for each peer that brings something, in the order in which they do.
// Okabe and Ito's hues, which stay apart in every common colour blindness; orange
// is the origin's, and none of the others is near it.

const hues = ["#0072b2", "#009e73", "#cc79a7", "#56b4e9", "#8c6d9e", "#2b7a78", "#b05c8a", "#4477aa"];

export class Palette {
  #given = new Map<string, string>();

  /** The colour of a peer; the same again for as long as the page is open. */
  of(peer: string): string {
    let colour = this.#given.get(peer);
    if (!colour) {
      colour = hues[this.#given.size % hues.length]!;
      this.#given.set(peer, colour);
    }
    return colour;
  }
}

/** A peer's name as people tell them apart: its first four digits. */
export const short = (peer: string): string => peer.slice(0, 4);
