// What a page may choose. Every option has a default that suits a viewer nobody
// asked: zero configuration works when the script comes from the signal server.

/** Options of every `shoal.attach…`, of `shoal.fetch`, and of `shoal.options`. */
export interface Options {
  /** Websocket URL of the signalling server. Default: `/ws` of the server that shoal.js came from; without either, everything comes from the origin. */
  signal?: string;
  /** Name of the swarm, at most 256 bytes. Default: host and path of the manifest's URL. Give one when a stream has several URLs. */
  swarm?: string;
  /** Proof of admission for the signalling server, at most 4096 bytes. Default: none. */
  token?: string;
  /** Ed25519 public key (64 hexadecimal digits) of the seed that vouches for segments. Default: what the signalling server announces. */
  signingKey?: string;
  /** Accept no byte that no seed vouched for. Default false: unsigned swarms cross-check. True in a swarm without seed: everything comes from the origin. */
  requireSigned?: boolean;
  /** Further STUN and TURN servers. Default: those that the signalling server announces. */
  iceServers?: RTCIceServer[];
  /** Only relayed (TURN) links, so that viewers never see one another's addresses. Default false. True without a TURN server: no links. */
  relayOnly?: boolean;

  /** False switches p2p off, all else stays. Default true. */
  p2p?: boolean;
  /**
   * The viewer's consent: true, false, a promise or a function that returns one of them. Until
   * it is true, no websocket is opened and no ICE candidate gathered; playing goes on from
   * the origin. Default true: a page that needs consent must ask for it.
   */
  consent?: boolean | Promise<boolean> | (() => boolean | Promise<boolean>);
  /** Share of browsers that take part, 0 to 1; a browser stays in or out. Default 1. */
  rollout?: number;
  /** Viewers in the swarm, this one included, below which no links are made. Default 2: none barred. Higher: small audiences cost no connections. */
  minViewers?: number;

  /** Links at most. Default 10. More links find segments sooner and cost memory and candidates. */
  peers?: number;
  /** Upload at most, in bit/s. Default 20e6. 0: send nothing, be a source of last resort. */
  upload?: number;
  /** Upload at most in a calendar month, in bytes, over all visits to this site. Default 100e9. 0: none. Counted in localStorage; without it, per visit. */
  monthlyUpload?: number;
  /** Upload at most while the page is hidden, in bit/s. Default 2e6. */
  hiddenUpload?: number;
  /** Upload at most on a phone or tablet, in bit/s. Default 1e6. */
  mobileUpload?: number;
  /** Links at most on a phone or tablet. Default 5. */
  mobilePeers?: number;
  /** Battery level, 0 to 1, below which a discharging device uploads nothing. Default 0.3. 0: never mind. */
  batteryLow?: number;
  /** Data costs money: upload nothing, be a source of last resort. Default "auto": on cellular, and where the viewer asked to save data. */
  metered?: boolean | "auto";
  /** Tell the signalling server roughly where the viewer is (0.1°), for pairing by distance. The browser asks the viewer. Default false. */
  geolocation?: boolean;

  /** Segments kept in memory, in bytes. Default 128 MiB, on a phone 48 MiB. Less: fewer neighbours can be served. */
  memory?: number;
  /** Segments kept in IndexedDB, in bytes, so that they survive a reload. Default 0: none. */
  disk?: number;
  /** How far ahead segments are reserved with neighbours, in seconds. Default 0: four segments, 6 to 30 s. */
  ahead?: number;
}

const MiB = 1 << 20;

/** Options with their defaults; `signal`, `swarm`, `token` and `signingKey` are empty where not given. */
export type Settings = Required<Options>;

export const defaults: Settings = {
  signal: "",
  swarm: "",
  token: "",
  signingKey: "",
  requireSigned: false,
  iceServers: [],
  relayOnly: false,
  p2p: true,
  consent: true,
  rollout: 1,
  minViewers: 2,
  peers: 10,
  upload: 20e6,
  monthlyUpload: 100e9,
  hiddenUpload: 2e6,
  mobileUpload: 1e6,
  mobilePeers: 5,
  batteryLow: 0.3,
  metered: "auto",
  geolocation: false,
  memory: 128 * MiB,
  disk: 0,
  ahead: 0,
};

/** Memory on a phone where the page names none. */
export const mobileMemory = 48 * MiB;

/** Options that are no numbers within [0, ∞), or are fractions above 1, would fail late and far away. */
const fractions = ["rollout", "batteryLow"];

/**
 * Fills in defaults, later options first. Throws a TypeError that names the option at
 * fault: a misspelt one, one of the wrong type, or a number out of range.
 */
export function settings(...given: (Options | undefined)[]): Settings {
  const all: Record<string, unknown> = { ...defaults };
  for (const options of given) {
    for (const [name, value] of Object.entries(options ?? {})) {
      if (value === undefined) continue;
      const usual = (defaults as unknown as Record<string, unknown>)[name];
      if (usual === undefined) throw new TypeError(`shoal: no option is called ${name}`);
      const fits =
        typeof usual == "number"
          ? typeof value == "number" && value >= 0 && !(value > 1 && fractions.includes(name))
          : name == "consent" || name == "metered"
            ? typeof value == "boolean" || typeof value == "function" || typeof value == "object" || value == "auto"
            : typeof value == typeof usual;
      if (!fits) throw new TypeError(`shoal: option ${name} cannot be ${String(value)}`);
      all[name] = value;
    }
  }
  return all as unknown as Settings;
}
