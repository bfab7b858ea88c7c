import { setupServer } from "msw/node";

/** Answers in place of the product; each test adds what it needs. */
export const server = setupServer();
