export declare function ownNames(): string[];
