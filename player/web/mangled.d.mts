export declare function ownNames(): Promise<RegExp>;
