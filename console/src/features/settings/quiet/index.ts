export { QuietPage } from "./QuietPage";
