export type { PageProfileOut, ProfileOut } from "@/api";
