export declare function internalNames(): RegExp;
