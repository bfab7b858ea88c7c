import { useQuery } from "@tanstack/react-query";
import { get } from "@/lib/http";
import { type DeliveryDetail, useTemplates } from "./api";

export const useDeliveryDetail = (id: string) =>
  useQuery({ queryKey: ["deliveries", id], queryFn: () => get<DeliveryDetail>(`/v1/deliveries/${id}`) });

export function useTemplateComponents(name: string | null, language: string | null): Record<string, unknown>[] {
  const templates = useTemplates();
  const variants = templates.data?.find((template) => template.name === name)?.variants ?? [];
  return (variants.find((variant) => variant.language === language) ?? variants[0])?.components ?? [];
}
