"""Common first and last names, to be joined at random."""

from __future__ import annotations

# fmt: off
FIRST_NAMES = (
    "Ada", "Aiko", "Alan", "Alma", "Amir", "Ana", "Anton", "Aria", "Ben", "Bruno", "Carla", "Chen",
    "Clara", "Dana", "David", "Diego", "Elena", "Eli", "Emil", "Emma", "Eva", "Felix", "Finn", "Grace",
    "Hana", "Hugo", "Ida", "Igor", "Ines", "Iris", "Ivan", "Jack", "Jana", "Joan", "Jonas", "Julia",
    "Kai", "Kara", "Kenji", "Lara", "Lea", "Leo", "Lina", "Luca", "Luis", "Maja", "Marco", "Maria",
    "Mark", "Mei", "Mia", "Mila", "Milan", "Nadia", "Nico", "Nina", "Noah", "Nora", "Olga", "Omar",
    "Oscar", "Paula", "Pedro", "Petra", "Priya", "Rafael", "Rina", "Rosa", "Ruth", "Sam", "Sara",
    "Sofia", "Sven", "Taro", "Tessa", "Theo", "Tim", "Tom", "Vera", "Victor", "Yara", "Yuki", "Zoe",
)
LAST_NAMES = (
    "Abe", "Adler", "Bauer", "Becker", "Bell", "Berg", "Brandt", "Brown", "Costa", "Cruz", "Dahl",
    "Diaz", "Dubois", "Evans", "Fischer", "Fontana", "Garcia", "Green", "Haas", "Hall", "Hansen",
    "Hayashi", "Hughes", "Ito", "Jansen", "Johnson", "Kato", "Keller", "King", "Klein", "Kobayashi",
    "Kumar", "Lang", "Laurent", "Lee", "Lopez", "Martin", "Meyer", "Mills", "Moreau", "Mori", "Murphy",
    "Nakamura", "Novak", "Olsen", "Park", "Patel", "Perez", "Peters", "Quinn", "Ramos", "Reed", "Ricci",
    "Rossi", "Sato", "Schmidt", "Silva", "Simon", "Smith", "Sousa", "Stone", "Suzuki", "Tanaka",
    "Vogel", "Wagner", "Walker", "Weber", "White", "Wolf", "Wood", "Yamada", "Young",
)
# fmt: on
