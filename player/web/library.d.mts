import type { BuildOptions } from "esbuild";

export declare function pageOptions(): BuildOptions;
export declare function bundle(options: BuildOptions): Promise<{ code: string }>;
