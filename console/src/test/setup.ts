import "@testing-library/jest-dom/vitest";
import { cleanup } from "@testing-library/react";
import { afterAll, afterEach, beforeAll } from "vitest";
import { startLanguages } from "@/i18n";
import { server } from "./server";

beforeAll(async () => {
  server.listen();
  await startLanguages("en");
});
afterEach(() => {
  cleanup();
  server.resetHandlers();
});
afterAll(() => server.close());
