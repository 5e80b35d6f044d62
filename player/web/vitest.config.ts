import { defineConfig } from "vitest/config";

export default defineConfig({
  // the texts that explain decisions, and what only seeds do; builds for viewers leave them out
  define: { __EXPLAIN__: "true", __SEEDS__: "true" },
  test: { include: ["src/**/*.test.ts"] },
});
