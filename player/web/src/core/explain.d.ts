/**
 * Whether texts that only explain (the event log) are part of this build. esbuild
 * defines it: false in what viewers load, so that the texts cost them nothing.
 */
declare const __EXPLAIN__: boolean;
/** Whether the rules of seeds are part of this build: in tests only. */
declare const __SEEDS__: boolean;
