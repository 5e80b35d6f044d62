// Where the worker's code is. The classic script is its own worker, so that its bytes
// count once; the package has a file for it. Each build's entry says which.

export const base = {
  /** Absolute URL, empty if it is not known: then the page does the worker's work. */
  worker: "",
  /** It is a module. */
  module: false,
};
