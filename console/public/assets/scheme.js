// Before the first paint: the colour scheme that the person chose, or the system's.
(() => {
  let chosen = "auto";
  try {
    chosen = localStorage.getItem("sojourn-scheme") || "auto";
  } catch {
    // storage is closed; the system's scheme it is
  }
  const dark = chosen === "dark" || (chosen !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.setAttribute("data-mantine-color-scheme", dark ? "dark" : "light");
})();
