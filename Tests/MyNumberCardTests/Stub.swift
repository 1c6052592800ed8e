// MyNumberCard
