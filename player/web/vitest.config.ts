import { defineConfig } from "vitest/config";

export default defineConfig({
  // the texts that explain decisions; builds for viewers leave them out
  define: { __EXPLAIN__: "true" },
  test: { include: ["src/**/*.test.ts"] },
});
