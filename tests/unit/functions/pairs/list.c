// A linked list, changed on the way.
struct node {
  int key;
  struct node *next;
};
#if VERSION == 0
struct node *f(struct node *list, int key) {
  struct node **at = &list;
  while (*at) {
    if ((*at)->key == key)
      *at = (*at)->next;
    else
      at = &(*at)->next;
  }
  return list;
}
#elif RIGHT == 1
struct node *f(struct node *list, int key) {
  while (list && list->key == key)
    list = list->next;
  for (struct node *here = list; here; here = here->next)
    while (here->next && here->next->key == key)
      here->next = here->next->next;
  return list;
}
#elif WRONG == 1
struct node *f(struct node *list, int key) {
  if (list && list->key == key)
    list = list->next;
  for (struct node *here = list; here; here = here->next)
    while (here->next && here->next->key == key)
      here->next = here->next->next;
  return list;
}
#endif
