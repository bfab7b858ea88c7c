import { mergeConfig } from "vite";
import { defineConfig } from "vitest/config";
import vite from "./vite.config.ts";

export default mergeConfig(
  vite,
  defineConfig({
    test: {
      environment: "happy-dom",
      setupFiles: ["src/test/setup.ts"],
      css: false,
      include: ["src/**/*.test.{ts,tsx}"],
      testTimeout: 20_000,
    },
  }),
);
