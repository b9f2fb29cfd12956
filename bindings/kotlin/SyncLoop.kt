package roadbook
