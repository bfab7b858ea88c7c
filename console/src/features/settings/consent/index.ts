export { ConsentPage } from "./ConsentPage";
