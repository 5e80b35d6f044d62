// Where the viewer is, only when the page opted in and the viewer agreed.
import type { Settings } from "../options.ts";

/** Degrees, rounded to 0.1 (about 10 km): enough to pair by distance, too little to find a house. */
export interface Place {
  latitude: number;
  longitude: number;
}

const round = (degrees: number) => Math.round(degrees * 10) / 10;

/** Undefined where the page did not opt in, or the viewer or browser refuse. Never rejects. */
export function locate(options: Settings, geolocation = globalThis.navigator?.geolocation): Promise<Place | undefined> {
  if (!options.geolocation || !geolocation) return Promise.resolve(undefined);
  return new Promise((resolve) =>
    geolocation.getCurrentPosition(
      ({ coords }) => resolve({ latitude: round(coords.latitude), longitude: round(coords.longitude) }),
      () => resolve(undefined),
      { maximumAge: 3600e3, timeout: 60e3 },
    ),
  );
}
