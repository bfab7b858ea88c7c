export default {
  input: "../openapi.json",
  output: { path: "../src/api" },
  plugins: ["@hey-api/typescript"],
};
